/**
 * How results look to people: aligned tables, times in the local zone, nothing that moves the cursor.
 *
 * Names and notes come from elsewhere, so control characters are taken out before a terminal sees them.
 */

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/gu;

/** Columns on a terminal: Chinese characters take two. */
const widthOf = (text: string): number => [...text].length + (text.match(WIDE)?.length ?? 0);

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;

export const clean = (text: string): string => text.replace(CONTROLS, ' ');

/** Rows under a header, columns aligned with two spaces between; '' for no rows. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const cells = [header, ...rows].map((row) => row.map(clean));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => widthOf(row[column] ?? ''))));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => pad(cell, widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** `name  value` lines, aligned. */
export function list(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...pairs.map(([name]) => widthOf(name)));
  return pairs.map(([name, value]) => `${`${pad(name, width)}  ${clean(value)}`.trimEnd()}\n`).join('');
}

const two = (number: number): string => String(number).padStart(2, '0');

/** `2027-01-31 08:00:00 +08:00` in the zone of this machine; '–' for none. */
export function localTime(instant: string | number | null | undefined): string {
  if (instant === null || instant === undefined) return '–';
  const date = new Date(instant);
  const east = -date.getTimezoneOffset();
  const zone = `${east < 0 ? '-' : '+'}${two(Math.floor(Math.abs(east) / 60))}:${two(Math.abs(east) % 60)}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
