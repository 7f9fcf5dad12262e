/** Colour on a terminal that wants it: NO_COLOR, FORCE_COLOR and TERM=dumb are honoured. */
function colourful(): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "0") return true;
  return process.stderr.isTTY === true && TERM !== "dumb";
}

const paint = (code: number) => (text: string) => (colourful() ? `\u001b[${code}m${text}\u001b[0m` : text);

export const style = { red: paint(31), green: paint(32), dim: paint(2), bold: paint(1) };
