import { seededRandom } from "../../lib/base/random.js";

export interface Event {
  id: number;
  key: string;
  value: number;
  time: number;
}

/** Events in order of time, each up to `disorder` ms late; some times are negative. */
export function seededEvents({
  seed,
  events,
  disorder,
}: {
  seed: number;
  events: number;
  disorder: number;
}): Event[] {
  const random = seededRandom(seed);
  const below = (n: number) => random.u32() % n;
  let time = -500;
  return Array.from({ length: events }, (_, id) => {
    time += below(20) === 0 ? below(300) : below(4);
    return {
      id,
      key: `key-${below(7)}`,
      value: below(100),
      time: time - (disorder > 0 ? below(disorder) : 0),
    };
  });
}
