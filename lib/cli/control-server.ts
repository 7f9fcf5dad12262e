/**
 * The socket on which a running job of the launcher listens. It lives as long as the job: nothing that happens
 * on it ends the job but a request to do so, and it keeps no process alive except while it answers.
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { MillraceError, messageOf, toData } from "../base/error.js";
import { type ControlAddress, ownAddress, removeDead } from "./control-address.js";
import { type ControlAnswer, type ControlRequest, LineReader } from "./control-protocol.js";

/** Carries a request out; what it answers is plain data, what it throws goes to whoever asked. */
export type ControlHandler = (request: ControlRequest) => Promise<unknown>;

export class ControlServer {
  private readonly server: Server;
  private readonly address: ControlAddress;
  private readonly handler: ControlHandler;
  private readonly sockets = new Set<Socket>();
  private readonly answering = new Set<Promise<void>>();
  private readonly onExit = () => this.unlink();

  private constructor(address: ControlAddress, handler: ControlHandler) {
    this.address = address;
    this.handler = handler;
    this.server = createServer((socket) => this.serve(socket)).unref();
  }

  /** Listens for requests about `job`. Throws CONTROL_FAILED, CONTROL_FOLDER_UNSAFE. */
  static async open(job: string, handler: ControlHandler): Promise<ControlServer> {
    const address = ownAddress(job, process.pid);
    const opened = new ControlServer(address, handler);
    // What has the name of this process can only be of a dead one.
    opened.unlink();
    removeDead();
    await opened.listen();
    process.on("exit", opened.onExit);
    return opened;
  }

  /** Answers what has been asked, then lets go of the socket. */
  async close(): Promise<void> {
    this.server.close();
    await Promise.all(this.answering);
    for (const socket of this.sockets) socket.destroySoon();
    process.off("exit", this.onExit);
    this.unlink();
  }

  private listen(): Promise<void> {
    const { path } = this.address;
    return new Promise((resolve, reject) => {
      this.server.once("error", (cause) => {
        reject(
          new MillraceError("CONTROL_FAILED", `cannot listen on ${path}: ${messageOf(cause)}`, { cause }),
        );
      });
      this.server.listen(path, () => {
        if (process.platform !== "win32") chmodSync(path, 0o600);
        resolve();
      });
    });
  }

  private serve(socket: Socket): void {
    const lines = new LineReader();
    this.sockets.add(socket);
    socket.unref();
    socket.on("close", () => this.sockets.delete(socket));
    // Who asked has gone away: what was asked is done all the same.
    socket.on("error", () => socket.destroy());
    socket.setEncoding("utf8").on("data", (text: string) => {
      try {
        for (const line of lines.push(text)) this.answer(socket, line);
      } catch {
        socket.destroy();
      }
    });
  }

  private answer(socket: Socket, line: string): void {
    const answered = this.carryOut(line).then((answer) => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
    });
    this.answering.add(answered);
    void answered.finally(() => this.answering.delete(answered));
  }

  private async carryOut(line: string): Promise<ControlAnswer> {
    try {
      return { result: await this.handler(JSON.parse(line) as ControlRequest) };
    } catch (error) {
      const known = error instanceof SyntaxError ? new MillraceError("CONTROL_FAILED", error.message) : error;
      return { error: toData(known) };
    }
  }

  private unlink(): void {
    if (process.platform !== "win32") rmSync(this.address.path, { force: true });
  }
}
