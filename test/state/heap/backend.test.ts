import { heapBackend } from "../../../lib/state/heap/backend.js";
import { describeBackend } from "../backend-contract.js";

describeBackend(heapBackend, { large: 1_000_000, runs: 150 });
