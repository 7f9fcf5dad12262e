/** The file a worker thread of a slot starts with. No logic: see lib/host/worker-host.ts. */
export { serveSlot as default } from "../lib/host/worker-host.js";
