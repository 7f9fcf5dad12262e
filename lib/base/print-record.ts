import { RECORD_PRINT_CHARS } from "./limits.js";

/** A record for a message: JSON-like, shortened, never throwing. */
export function printRecord(record: unknown, maxChars: number = RECORD_PRINT_CHARS): string {
  let text: string;
  try {
    text =
      JSON.stringify(record, (_key, value: unknown) => {
        if (typeof value === "bigint") return `${value}n`;
        if (typeof value === "function") return "[function]";
        return typeof value === "symbol" ? String(value) : value;
      }) ?? String(record);
  } catch {
    text = Object.prototype.toString.call(record);
  }
  return text.length > maxChars ? `${text.slice(0, maxChars)}...` : text;
}
