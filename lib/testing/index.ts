/**
 * The users' test kit, `millrace/testing`: harnesses of jobs and operators under a virtual clock, and the suites that
 * anybody's source, sink, state backend or blob store has to pass. It knows no test runner: what is wrong is an error
 * that is thrown, and a suite is a list of named cases.
 *
 * Invariants
 * - What is tested is the real runtime and the real operators; only sources, sinks and the clock are the test's.
 * - A case is repeated in every variation (variations.ts), each with a program of its own; a failure names its own.
 * - What goes wrong is said with a code, which variation, at which step, and with what was expected and what came.
 *
 * Called by: tests. May import: everything below.
 */

export { blobStoreContract, type StoreUnderTest } from "./contracts/blob-store-contract.js";
export type { ContractCase } from "./contracts/contract-case.js";
export { type SinkContractOptions, type SinkUnderTest, sinkContract } from "./contracts/sink-contract.js";
export { type SourceContractOptions, sourceContract } from "./contracts/source-contract.js";
export { type StateContractOptions, stateBackendContract } from "./contracts/state-backend-contract.js";
export {
  type Expectation,
  JobHarness,
  type JobTestOptions,
  type TestOptions,
  type TestSource,
  testJob,
} from "./job-harness.js";
export {
  type InputStreams,
  OperatorHarness,
  type OutputStreams,
  type PushOptions,
  testOperator,
} from "./operator-harness.js";
export type { VariationName } from "./variations.js";
