/** Any prime: it shuffles groups of every size that it does not divide. */
const STRIDE = 953;

/** The id of the event that comes at place `number`: groups of `group` events, each shuffled within. */
export function disorder(number: number, group: number): number {
  return number - (number % group) + ((number * STRIDE) % group);
}
