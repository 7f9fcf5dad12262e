/**
 * Names of generated functions, as their sourceURL. V8 caches code by its text: two operators of equal text
 * would share type feedback and become megamorphic, so each gets a text of its own, also when the same job is
 * deployed again (shared code was measured a third slower).
 */
let next = 0;

export function codeName(label: string): string {
  return `millrace/${next++}/${label.replace(/[^\w-]+/g, "_").slice(0, 60)}`;
}
