/**
 * Files that are whole or not there, whatever crashes: written under a temporary name in the same folder,
 * forced to the disk, given their name, and the folder forced to the disk too.
 */
import { link, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OpenFile } from "../base/open-file.js";
import { freshSeed } from "../base/random.js";
import { codeOf } from "./storage-error.js";

/** Others may remove an empty folder between its making and the first file in it. */
const FOLDER_TRIES_MAX = 5;

/** Written by one call: each is a turn of the event loop of a thread that has other work. */
const CHUNKS_AT_ONCE = 64;

/** Names of files that are being written, or that a dead writer left. No blob's name begins so. */
export function isTemporary(name: string): boolean {
  return name.startsWith(".");
}

/**
 * Writes a file durably. `exclusive` fails with EEXIST when the name is taken: a hard link is made to the
 * complete file, which the system refuses to all but one of several writers.
 */
export async function writeDurably(
  file: string,
  chunks: readonly Uint8Array[],
  exclusive: boolean,
): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}-${freshSeed().toString(16)}`);
  try {
    await writeSynced(temporary, chunks);
    if (exclusive) await link(temporary, file);
    else await rename(temporary, file);
    await syncFolder(dirname(file)).catch(async (error) => {
      if (exclusive) await rm(file, { force: true }); // ours, and not known to be durable
      throw error;
    });
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

async function writeSynced(file: string, chunks: readonly Uint8Array[]): Promise<void> {
  const opened = await create(file);
  try {
    for (let at = 0; at < chunks.length; at += CHUNKS_AT_ONCE) {
      await opened.write(chunks.slice(at, at + CHUNKS_AT_ONCE));
    }
    await opened.sync();
  } finally {
    opened.close();
  }
}

async function create(file: string): Promise<OpenFile> {
  for (let tries = 1; ; tries++) {
    await makeFolder(dirname(file));
    try {
      return new OpenFile(file, "wx");
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || tries === FOLDER_TRIES_MAX) throw error;
    }
  }
}

/** A new folder is durable when its name in the one above is. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; ; made = dirname(made)) {
    await syncFolder(dirname(made));
    if (made === first || made === dirname(made)) return;
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return; // has no such call; names are journalled there
  const opened = new OpenFile(folder);
  try {
    await opened.sync();
  } finally {
    opened.close();
  }
}
