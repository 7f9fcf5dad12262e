/** Timers and turns of the event loop, behind one interface so that a simulated run can replace them. */
export interface Scheduler {
  /** Calls back after the event loop has turned once. */
  soon(callback: () => void): void;
  /** Calls back after `ms`. The answer cancels. Such a timer alone does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back every `ms`. The answer cancels. Such a timer alone does not keep the process alive. */
  every(ms: number, callback: () => void): () => void;
  /** Keeps the process alive until the answer is called. */
  keepAlive(): () => void;
}

export const systemScheduler: Scheduler = {
  soon: (callback) => {
    setImmediate(callback);
  },
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
  every: (ms, callback) => {
    const timer = setInterval(callback, ms).unref();
    return () => clearInterval(timer);
  },
  keepAlive: () => {
    const timer = setInterval(() => undefined, 0x3fff_ffff);
    return () => clearInterval(timer);
  },
};
