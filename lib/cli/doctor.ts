/** `millrace doctor`: what there is here to run jobs with, and what slots are given by it. */
import { createRequire } from "node:module";
import { availableParallelism, totalmem } from "node:os";
import { FRAME_BYTES, RING_BYTES, ROUND_MS } from "../base/limits.js";
import { autoParallelism, machineOf } from "../host/machine.js";
import { BUFFER_TIMEOUT_MS, SLOT_HEAP_MB, YOUNG_MB } from "../host/presets.js";
import { style } from "./style.js";

export interface DoctorReport {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: {
    readonly cores: number;
    /** What the control group leaves of them; parallelism `auto` follows it. */
    readonly usableCores: number;
    readonly autoParallelism: number;
    readonly memoryMb: number;
    readonly usableMemoryMb: number;
  };
  readonly native: Readonly<Record<string, boolean>>;
  readonly presets: Readonly<Record<string, { readonly youngGenerationMb: number }>>;
  readonly slots: {
    readonly heapMb: number;
    readonly ringBytes: number;
    readonly frameBytes: number;
    readonly bufferTimeoutMs: number;
    readonly roundMs: number;
    readonly singleThreadedGc: boolean;
  };
  /** What is wrong here; empty: nothing. */
  readonly problems: readonly string[];
}

const MIB = 1024 * 1024;
const NODE_MIN = [20, 19] as const;
const NATIVE = ["lmdb"];

/** `nodeFlags`: those the launcher starts jobs with. */
export function examine(version: string, nodeFlags: readonly string[]): DoctorReport {
  const { cpu, memoryMb } = machineOf();
  const parallelism = autoParallelism({ cpu });
  const native = Object.fromEntries(NATIVE.map((name) => [name, isThere(name)]));
  const presets = Object.fromEntries(
    Object.entries(YOUNG_MB).map(([name, youngGenerationMb]) => [name, { youngGenerationMb }]),
  );
  const problems = [
    ...(isOld(process.versions.node)
      ? [`Node ${process.versions.node} is older than ${NODE_MIN.join(".")}`]
      : []),
    ...(parallelism * SLOT_HEAP_MB > memoryMb
      ? [
          `${parallelism} slots may fill ${parallelism * SLOT_HEAP_MB} MiB of heap, of ${memoryMb}: see --slot-heap`,
        ]
      : []),
    ...NATIVE.filter((name) => native[name] === false).map(
      (name) => `${name} cannot be loaded: --state-backend ${name} will not work`,
    ),
  ];
  return {
    versions: { millrace: version, node: process.versions.node, v8: process.versions.v8 },
    machine: {
      cores: availableParallelism(),
      usableCores: cpu,
      autoParallelism: parallelism,
      memoryMb: Math.floor(totalmem() / MIB),
      usableMemoryMb: memoryMb,
    },
    native,
    presets,
    slots: {
      heapMb: SLOT_HEAP_MB,
      ringBytes: RING_BYTES,
      frameBytes: FRAME_BYTES,
      bufferTimeoutMs: BUFFER_TIMEOUT_MS,
      roundMs: ROUND_MS,
      singleThreadedGc: nodeFlags.includes("--single-threaded-gc"),
    },
    problems,
  };
}

/** For people. */
export function describeReport({
  versions,
  machine,
  native,
  presets,
  slots,
  problems,
}: DoctorReport): string {
  const rows: [string, string][] = [
    ...Object.entries(versions),
    ["cores", `${machine.usableCores} of ${machine.cores}; --parallelism auto is ${machine.autoParallelism}`],
    ["memory", `${machine.usableMemoryMb} of ${machine.memoryMb} MiB`],
    ...Object.entries(native).map(([name, there]): [string, string] => [name, there ? "there" : "missing"]),
    ["slot heap", `${slots.heapMb} MiB (--slot-heap)`],
    ...Object.entries(presets).map(([name, { youngGenerationMb }]): [string, string] => [
      `preset ${name}`,
      `young generation of ${youngGenerationMb} MiB: ${name === "latency" ? "short" : "rare"} collections`,
    ]),
    ["collector", slots.singleThreadedGc ? "on the slot's own core" : "V8's helper threads"],
    ["rings", `${slots.ringBytes / 1024} KiB, frames of ${slots.frameBytes / 1024} KiB and less`],
    ["batches", `wait ${slots.bufferTimeoutMs} ms at most; the event loop turns every ${slots.roundMs} ms`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const found =
    problems.length === 0 ? [style.green("nothing is wrong here")] : problems.map((each) => style.red(each));
  return [...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`), "", ...found].join("\n");
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1]);
}

function isThere(name: string): boolean {
  try {
    createRequire(import.meta.url)(name);
    return true;
  } catch {
    return false;
  }
}
