import { expect } from "chai";
import { WorkerHosts } from "../../lib/host/worker-host.js";
import type { SlotEvents } from "../../lib/protocol/deployment.js";

describe("spare hosts", function () {
  this.timeout(20_000);

  it("wait for a slot, and are replaced when they have one", async () => {
    const hosts = new WorkerHosts(1, { heapMb: 64, youngMb: 16 }, { spares: 1 });
    try {
      expect(hosts.waiting).to.equal(0);
      const first = await hosts.launch(0, {} as SlotEvents, { slots: [0] });
      await until(() => hosts.waiting === 1);
      await first.kill();
      const second = await hosts.launch(0, {} as SlotEvents, { slots: [0] });
      expect(hosts.waiting).to.equal(0);
      await second.control.stop();
      await until(() => hosts.waiting === 1);
      await second.release();
      expect(hosts.waiting).to.equal(1);
    } finally {
      await hosts.destroy();
    }
  });

  it("are started before they are needed, as many as are missing", async () => {
    const hosts = new WorkerHosts(4, { heapMb: 64, youngMb: 16 });
    try {
      const plans = [{ slots: [0] }, { slots: [1] }];
      await hosts.prepare(plans);
      await hosts.prepare(plans);
      expect(hosts.waiting).to.equal(2);
      const first = await hosts.launch(0, {} as SlotEvents, plans[0]!);
      expect(hosts.waiting).to.equal(1);
      await hosts.prepare(plans);
      expect(hosts.waiting).to.equal(2);
      await first.kill();
    } finally {
      await hosts.destroy();
    }
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
