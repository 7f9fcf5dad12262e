import { MillraceError, messageOf } from "../../base/error.js";
import type { SourceDefinition } from "../../source/contract.js";
import type { WatermarkStrategy } from "../../time/watermarks.js";

/**
 * Makes a source when its turn comes. `end`: where the source before has ended, as JSON
 * (`SplitEnumerator.endPosition`), or undefined where that does not say. Called in every thread and after every
 * restart: the same for the same `end`.
 */
export type SourceFactory<T> = (end: any) => SourceDefinition<T, any>;

/** A source of a chain with what is known of it beforehand. */
export interface ChainedSource<T> {
  readonly source: SourceDefinition<T, any> | SourceFactory<T>;
  /** How event time is told in this source; default: as in the whole. Sources keep together as a whole only. */
  readonly watermarks?: WatermarkStrategy<T>;
  /** Of one that is made at its turn; default: unbounded at the end of the chain, else bounded. */
  readonly boundedness?: "bounded" | "unbounded";
  /** Of one that is made at its turn: whether it can give records again behind a failure; default true. */
  readonly replayable?: boolean;
}

/** The first source of a chain. */
export type FirstSource<T> =
  | SourceDefinition<T, any>
  | { readonly source: SourceDefinition<T, any>; readonly watermarks?: WatermarkStrategy<T> };

/** What comes behind the first source of a chain: a source, or what makes it at its turn. */
export type NextSource<T> = SourceDefinition<T, any> | SourceFactory<T> | ChainedSource<T>;

interface Link<T> {
  readonly boundedness: "bounded" | "unbounded";
  readonly replayable: boolean;
  readonly watermarks: WatermarkStrategy<T> | undefined;
  readonly definition: SourceDefinition<T, any> | undefined;
  readonly create: SourceFactory<T>;
}

/** The sources of a hybrid source, in order. */
export class SourceChain<T> {
  readonly boundedness: "bounded" | "unbounded";
  /** The weakest says what the whole can. */
  readonly replayable: boolean;
  /** Absent: as high as one likes, as far as is known. */
  readonly parallelismMax: number | undefined;
  private readonly links: readonly Link<T>[];

  /** Throws SOURCE_CHAIN_INVALID, OPTION_INVALID. */
  constructor(sources: readonly NextSource<T>[]) {
    this.links = sources.map((source, i) => linkOf(source, i === sources.length - 1));
    for (const [i, { boundedness }] of this.links.slice(0, -1).entries()) {
      if (boundedness === "unbounded") throw endless(i, this.links[i]!.definition?.kind);
    }
    this.boundedness = this.links.at(-1)!.boundedness;
    this.replayable = this.links.every(({ replayable }) => replayable);
    const highest = this.links.map(
      ({ definition }) => definition?.parallelismMax ?? Number.POSITIVE_INFINITY,
    );
    const parallelismMax = Math.max(...highest);
    this.parallelismMax = Number.isFinite(parallelismMax) ? parallelismMax : undefined;
  }

  get length(): number {
    return this.links.length;
  }

  /** By source; absent: none has its own. */
  get watermarks(): readonly (WatermarkStrategy<T> | undefined)[] | undefined {
    const own = this.links.map(({ watermarks }) => watermarks);
    return own.some((each) => each !== undefined) ? own : undefined;
  }

  get description(): Readonly<Record<string, unknown>> {
    return {
      sources: this.links.map(({ definition }) =>
        definition === undefined
          ? "made at its turn"
          : { source: definition.kind, ...definition.description },
      ),
    };
  }

  /** A source of the chain. Throws SOURCE_CHAIN_INVALID, USER_FUNCTION_FAILED. */
  definitionOf(index: number, end: unknown): SourceDefinition<T, any> {
    if (typeof index !== "number") throw invalid("the checkpoint is not of a chain of sources");
    const link = this.links[index];
    if (link === undefined) {
      throw invalid(`the job goes on in source ${index + 1} of a chain that has ${this.length}`);
    }
    return link.definition ?? this.make(index, link, end);
  }

  private make(index: number, link: Link<T>, end: unknown): SourceDefinition<T, any> {
    const what = `source ${index + 1} of the chain`;
    let made: SourceDefinition<T, any>;
    try {
      made = link.create(end);
    } catch (cause) {
      if (MillraceError.is(cause)) throw cause;
      throw new MillraceError("USER_FUNCTION_FAILED", `what makes ${what} threw: ${messageOf(cause)}`, {
        cause,
      });
    }
    if (!isDefinition(made)) throw invalid(`what makes ${what} answered no source`);
    if (made.boundedness === "unbounded" && link.boundedness === "bounded") throw endless(index, made.kind);
    if (!made.replayable && link.replayable) {
      throw invalid(`${what} ("${made.kind}") cannot give records again after a failure`);
    }
    return made;
  }
}

function linkOf<T>(next: NextSource<T>, isLast: boolean): Link<T> {
  const chained: ChainedSource<T> = isChained(next) ? next : { source: next };
  const { source, boundedness = isLast ? "unbounded" : "bounded", replayable = true, watermarks } = chained;
  if (watermarks?.alignment !== undefined) {
    throw new MillraceError("OPTION_INVALID", "a source of a chain cannot be aligned by itself", {
      hint: "Say the alignment in the `watermarks` of the whole source.",
    });
  }
  if (isDefinition(source)) {
    const own = { boundedness: source.boundedness, replayable: source.replayable, watermarks };
    return { ...own, definition: source, create: () => source };
  }
  if (typeof source === "function") {
    return { boundedness, replayable, watermarks, definition: undefined, create: source };
  }
  throw invalid("a chain takes sources, and functions that make one");
}

function isChained<T>(next: NextSource<T>): next is ChainedSource<T> {
  return typeof next === "object" && next !== null && "source" in next;
}

function isDefinition(source: unknown): source is SourceDefinition<any, any> {
  return typeof source === "object" && source !== null && "createReader" in source;
}

function endless(index: number, kind = "made at its turn"): MillraceError {
  return invalid(
    `source ${index + 1} of the chain ("${kind}") never ends, so what comes behind it never begins`,
  );
}

function invalid(message: string): MillraceError {
  return new MillraceError("SOURCE_CHAIN_INVALID", message);
}
