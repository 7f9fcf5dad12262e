#!/usr/bin/env node
/** The launcher. A `run` on worker threads is supervised: a child process does the work. */
import { supervise, wantsSupervision } from "./supervisor.js";

const given = process.argv.slice(2);
if (wantsSupervision(given)) {
  process.exitCode = await supervise(given);
} else {
  const { main } = await import("./program.js");
  process.exitCode = await main(given);
}
