/** Cases of the contract of state backends about time to live. */
import type { KeyedState } from "../../state/contract.js";
import { aggregating, list, map, reducing, value } from "../../state/descriptors.js";
import { same, sameMembers } from "./contract-case.js";
import type { StateCase } from "./state-case.js";

const declare = (state: KeyedState) => ({
  value: state.value("value", value<string>({ ttl: 100 })),
  read: state.value("read", value<string>({ ttl: 100, ttlRefresh: "read-write" })),
  list: state.list("list", list<number>({ ttl: 100 })),
  map: state.map("map", map<string, number>({ ttl: 100 })),
  reducing: state.reducing(
    "reducing",
    reducing<number>((left, right) => left + right, { ttl: 100 }),
  ),
  aggregating: state.aggregating(
    "aggregating",
    aggregating(
      { create: () => 0, add: (sum: number, n: number) => sum + n, result: (sum) => sum },
      { ttl: 100 },
    ),
  ),
});

export const expiryCases: Readonly<Record<string, StateCase>> = {
  "lets what was not written for its time to live be gone, each element by itself": async ({ opened }) => {
    let now = 1000;
    const { bench, handles } = await opened(declare, { clock: () => now });
    bench.use("k");
    const write = () => {
      handles.value.update("v");
      handles.read.update("r");
      handles.list.add(now);
      handles.map.set(`at ${now}`, now);
      handles.reducing.add(1);
      handles.aggregating.add(1);
    };
    write();
    now = 1060;
    same(handles.value.get(), "v", "handles.value.get()");
    same(handles.read.get(), "r", "handles.read.get()");
    handles.list.add(now);
    handles.map.set(`at ${now}`, now);
    now = 1099;
    same(handles.list.get(), [1000, 1060], "handles.list.get()");
    now = 1100;
    same(handles.value.get(), undefined, "handles.value.get()");
    same(handles.read.get(), "r", "handles.read.get()");
    same(handles.list.get(), [1060], "handles.list.get()");
    same([...handles.map.entries()], [["at 1060", 1060]], "handles.map.entries()");
    same(handles.map.size, 1, "handles.map.size");
    same(handles.map.has("at 1000"), false, "handles.map.has('at 1000')");
    same(handles.reducing.get(), undefined, "handles.reducing.get()");
    same(handles.aggregating.get(), undefined, "handles.aggregating.get()");
    handles.reducing.add(5);
    same(handles.reducing.get(), 5, "handles.reducing.get()");
    now = 1160;
    same(handles.list.get(), [], "handles.list.get()");
    same(handles.map.size, 0, "handles.map.size");
    handles.list.add(7);
    same(handles.list.get(), [7], "handles.list.get()");
    now = 1300;
    same(handles.read.get(), undefined, "handles.read.get()");
  },
  "neither packs nor restores what has expired": async ({ opened }) => {
    let now = 1000;
    const clock = () => now;
    const { bench, handles } = await opened(declare, { clock });
    const write = (key: string) => {
      bench.use(key);
      handles.value.update("v");
      handles.list.add(now);
      handles.map.set("a", now);
    };
    write("old");
    write("both");
    bench.checkpoint("full");
    now = 1050;
    write("new");
    write("both");
    now = 1100;
    const { chains, taking } = bench.checkpoint("delta");
    sameMembers(
      taking.entries.get("value")!.map((each) => each.value.key),
      ["new", "both"],
      "taking.entries.get('value')!.map((each) => each.value.key)",
    );
    const full = bench.checkpoint("full").taking;
    sameMembers(
      full.entries.get("map")!.map((each) => each.value.key),
      ["new", "both"],
      "full.entries.get('map')!.map((each) => each.value.key)",
    );
    now = 1120;
    const restored = await opened(declare, { chains, clock });
    const found = (key: string) => {
      restored.bench.use(key);
      const { value, list, map } = restored.handles;
      return [value.get(), [...list.get()], map.get("a")];
    };
    same(found("old"), [undefined, [], undefined], "found('old')");
    same(found("both"), ["v", [1050], 1050], "found('both')");
    now = 1149;
    same(found("new"), ["v", [1050], 1050], "found('new')");
    now = 1150;
    same(found("new"), [undefined, [], undefined], "found('new')");
  },
  "cleans up while it rests": async ({ opened }) => {
    let now = 1000;
    const { bench, handles } = await opened(declare, { clock: () => now });
    for (let key = 0; key < 500; key++) {
      bench.use(key);
      handles.value.update("v");
      handles.map.set("a", 1);
      for (let i = 0; i < 300; i++) handles.list.add(i);
    }
    now = 1050;
    bench.use(3);
    handles.value.update("w");
    handles.map.set("b", 2);
    for (let i = 0; i < 10; i++) handles.list.add(i);
    now = 1100;
    for (let turn = 0; turn < 200; turn++) bench.state.rest(turn);
    now = 0;
    bench.use(2);
    same(handles.value.get(), undefined, "handles.value.get()");
    same(handles.map.size, 0, "handles.map.size");
    same(handles.list.get(), [], "handles.list.get()");
    bench.use(3);
    same(handles.value.get(), "w", "handles.value.get()");
    same([...handles.map.keys()], ["b"], "handles.map.keys()");
    now = 1100;
    same(handles.list.get(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "handles.list.get()");
  },
  "begins to live when a time to live is added, and for ever when it is taken away": async ({ opened }) => {
    let now = 1000;
    const clock = () => now;
    const plain = (state: KeyedState) => ({
      value: state.value("value", value<string>()),
      list: state.list("list", list<number>()),
      map: state.map("map", map<string, number>()),
    });
    const mortal = (state: KeyedState) => ({
      value: state.value("value", value<string>({ ttl: 100 })),
      list: state.list("list", list<number>({ ttl: 100 })),
      map: state.map("map", map<string, number>({ ttl: 100 })),
    });
    const first = await opened(plain, { clock });
    first.bench.use("k");
    first.handles.value.update("v");
    first.handles.list.add(1);
    first.handles.map.set("a", 1);
    first.bench.checkpoint("full");
    first.handles.value.update("w");
    first.handles.list.add(2);
    first.handles.map.set("a", 2);
    const second = await opened(mortal, { clock, chains: first.bench.checkpoint("delta").chains });
    const found = ({ bench, handles }: typeof first) => {
      bench.use("k");
      return [handles.value.get(), [...handles.list.get()], handles.map.get("a")];
    };
    now = 1099;
    same(found(second), ["w", [1, 2], 2], "found(second)");
    const { chains, taking } = second.bench.checkpoint("delta");
    same(
      taking.entries.get("value")!.map((each) => each.value),
      [{ key: "k", value: "w" }],
      "taking.entries.get('value')!.map((each) => each.value)",
    );
    const third = await opened(plain, { clock, chains });
    now = 1100;
    same(found(second), [undefined, [], undefined], "found(second)");
    now = 5000;
    same(found(third), ["w", [1, 2], 2], "found(third)");
  },
};
