/** The examples that the documentation of functions shows, as they stand there, with what they need around them. */
import {
  accumulators,
  collectSink,
  type DataStream,
  defineJob,
  type Environment,
  type FunctionContext,
  iterableSource,
  type MapFunction,
  type,
} from "../../lib/index.js";

interface Order {
  readonly id: number;
  readonly city: string;
}

const ORDERS: readonly Order[] = [
  { id: 1, city: "Rome" },
  { id: 2, city: "Nowhere" },
];

async function readCountries(): Promise<Map<string, string>> {
  return new Map([["Rome", "Italy"]]);
}

class Client {
  async lookUp(id: number, { signal }: { signal: AbortSignal }): Promise<string> {
    signal.throwIfAborted();
    return `order ${id}`;
  }
  end(): void {}
}

async function connect({ signal }: { signal: AbortSignal }): Promise<Client> {
  signal.throwIfAborted();
  return new Client();
}

class Enrich implements MapFunction<Order, Order & { country: string }> {
  private countries = new Map<string, string>();
  async open(): Promise<void> {
    this.countries = await readCountries();
  }
  map(order: Order, ctx: FunctionContext): Order & { country: string } {
    const country = this.countries.get(order.city);
    if (country === undefined) ctx.metrics.counter("unknown cities").increase();
    return { ...order, country: country ?? "?" };
  }
}

function looksUp(orders: DataStream<Order>): DataStream<string> {
  let client: Client;
  return orders.asyncMap({
    async open({ signal }) {
      client = await connect({ signal });
    },
    asyncMap: (order, { signal }) => client.lookUp(order.id, { signal }),
    close: () => client?.end(),
  });
}

function accumulates(env: Environment, lines: DataStream<string>): DataStream<string> {
  const bad = env.accumulator("bad lines", accumulators.int());
  return lines.filter({
    filter(line, ctx) {
      if (line !== "") return true;
      ctx.accumulator(bad).add(1);
      return false;
    },
  });
}

function sizes(env: Environment, words: DataStream<string>): DataStream<number> {
  const long = env.accumulator("long words", accumulators.int());
  const bytes = env.accumulator("bytes of words", accumulators.long());
  const lengths = env.accumulator("lengths of words", accumulators.histogram());
  return words.process("sized", {
    out: type<number>(),
    element(word, ctx) {
      if (word.length > 20) ctx.accumulator(long).add(1);
      ctx.accumulator(bytes).add(BigInt(Buffer.byteLength(word)));
      ctx.accumulator(lengths).add(word.length);
      ctx.emit(word.length);
    },
  });
}

export default defineJob("function-examples", (env) => {
  const orders = env.source(
    "orders",
    iterableSource(() => ORDERS),
  );
  const lines = env.source(
    "lines",
    iterableSource(() => ["a", "", "b", "x".repeat(30)]),
  );
  orders.map(new Enrich()).sink("enriched", collectSink());
  looksUp(orders).sink("looked up", collectSink());
  sizes(env, accumulates(env, lines)).sink("sizes", collectSink());
});
