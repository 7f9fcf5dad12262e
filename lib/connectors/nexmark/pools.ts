/** Texts and prices drawn once; events take slices of them. */
import { Draws } from "./draws.js";

export interface Pools {
  readonly extra: string;
  readonly text: string;
  /** "0000" to "9999". */
  readonly digits: readonly string[];
  readonly hotUrls: readonly string[];
  readonly channels: readonly string[];
  readonly urls: readonly string[];
  /** 65,536 prices in cents, log-uniform from 1 to 1,000,000 dollars. */
  readonly prices: Int32Array;
}

export const EXTRA_CHARS = 1 << 20;
export const TEXT_CHARS = 1 << 16;
export const CHANNELS = 10_000;
export const HOT_CHANNELS = ["Google", "Facebook", "Baidu", "Apple"] as const;
const SEED = 12_345;

let made: Pools | undefined;

export function pools(): Pools {
  made ??= makePools();
  return made;
}

function makePools(): Pools {
  const draws = new Draws();
  draws.seed(SEED);
  const extra = letters(draws, EXTRA_CHARS, undefined);
  const text = letters(draws, TEXT_CHARS, " ");
  const hotUrls = HOT_CHANNELS.map(() => url(draws));
  const digits = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(4, "0"));
  const urls: string[] = [];
  const channels: string[] = [];
  for (let i = 0; i < CHANNELS; i++) {
    const base = url(draws);
    urls.push(draws.below(10) > 0 ? `${base}&channel_id=${reverseBits(i) >>> 1}` : base);
    channels.push(`channel-${i}`);
  }
  return { extra, text, digits, hotUrls, channels, urls, prices: makePrices() };
}

/** Small letters; `special` for one in thirteen. */
function letters(draws: Draws, length: number, special: string | undefined): string {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    bytes[i] = special !== undefined && draws.below(13) === 0 ? special.charCodeAt(0) : 97 + draws.below(26);
  }
  return bytes.toString("latin1");
}

function url(draws: Draws): string {
  const words = Array.from({ length: 3 }, () => letters(draws, 3 + draws.below(2), "_"));
  return `https://www.nexmark.com/${words.join("/")}/item.htm?query=1`;
}

function reverseBits(value: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) reversed = (reversed << 1) | ((value >>> bit) & 1);
  return reversed;
}

function makePrices(): Int32Array {
  const prices = new Int32Array(65_536);
  for (let i = 0; i < prices.length; i++) prices[i] = Math.floor(100 * 10 ** ((6 * i) / 65_536) + 0.5);
  return prices;
}
