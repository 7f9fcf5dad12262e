/**
 * The file a worker thread of slots starts with. No logic: see lib/host/slot-server.ts.
 *
 * What job modules import is imported here, before they come: a thread that waits as a spare has it ready, and Node
 * reads no source maps of it.
 */
import "../lib/index.js";

export { serveSlots as default } from "../lib/host/slot-server.js";
