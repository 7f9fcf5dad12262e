/**
 * Files of threads that may be ended at any moment. They are opened and closed by the thread itself, only what takes
 * long goes through the thread pool: Node forgets the descriptor of a file whose opening or closing was still under
 * way there when the thread ended, and the process holds it for ever. One that is open is closed with its thread.
 */
import { closeSync, fdatasync, fsync, openSync, read, readFile, writev } from "node:fs";
import { promisify } from "node:util";

const readAsync = promisify(read);
const readFileAsync = promisify(readFile);
const writevAsync = promisify(writev);
const fsyncAsync = promisify(fsync);
const fdatasyncAsync = promisify(fdatasync);

export class OpenFile {
  private readonly descriptor: number;

  /** Throws what the system says. `flags` as those of `node:fs`. */
  constructor(path: string, flags: "r" | "wx" = "r") {
    this.descriptor = openSync(path, flags);
  }

  /** Answers how many bytes there were, fewer at the file's end. */
  async read(into: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return (await readAsync(this.descriptor, into, offset, length, position)).bytesRead;
  }

  /** From the beginning to the end. */
  readWhole(): Promise<Uint8Array> {
    return readFileAsync(this.descriptor);
  }

  /** All of it: the system may take less than it is given at once. */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    let rest = [...chunks];
    while (rest.length > 0) {
      let { bytesWritten: written } = await writevAsync(this.descriptor, rest);
      let whole = 0;
      while (whole < rest.length && written >= rest[whole]!.length) written -= rest[whole++]!.length;
      rest = rest.slice(whole);
      if (written > 0) rest[0] = rest[0]!.subarray(written);
    }
  }

  /** Waits until all that was written is on the disk. */
  sync(): Promise<void> {
    return fsyncAsync(this.descriptor);
  }

  /** As `sync`, without what is not needed to read the file again. */
  syncData(): Promise<void> {
    return fdatasyncAsync(this.descriptor);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** The file's bytes. */
export async function readWhole(path: string): Promise<Uint8Array> {
  const file = new OpenFile(path);
  try {
    return await file.readWhole();
  } finally {
    file.close();
  }
}
