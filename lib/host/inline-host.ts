/**
 * Runs slots on the main thread: the loopback mode for debugging with breakpoints. Module-level state is
 * then shared between all slots and with the caller.
 */
import type { LaunchHost } from "../protocol/slot-host.js";
import { slotControl } from "./slot-control.js";

export const launchInline: LaunchHost = async (_slot, events) => {
  const control = slotControl(events);
  return {
    control,
    failed: new Promise<never>(() => undefined),
    kill: () => control.stop(),
    release: async () => undefined,
  };
};
