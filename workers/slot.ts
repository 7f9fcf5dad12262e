/** The file a worker thread of slots starts with. No logic: see lib/host/worker-host.ts. */
export { serveSlots as default } from "../lib/host/worker-host.js";
