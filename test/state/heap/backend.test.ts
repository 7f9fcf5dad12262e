import { heapBackend } from "../../../lib/state/heap/backend.js";
import { describeBackend } from "../backend-contract.js";

describeBackend("heap", (context) => heapBackend.open(context), { large: 1_000_000, runs: 150 });
