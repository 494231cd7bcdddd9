// What a row of the list says in words, and how wide that makes the columns.

import { tagPairs } from "./metrics.js";

const TAGS_SCALE = 0.85; // their letters are smaller
const FIRST_WIDE = 0x1100; // Hangul, Chinese, Japanese, emoji: about twice as wide as Latin

/** Return what stands in the cell of the name: {space, own, tags}, the name's namespace and its own
 * part. What the metric was called by a person stands in place of both, the name among the tags. */
export function nameText({ name, series, about: { display_name: title } }) {
  const tags = series.length === 1 ? tagPairs(series[0]) : [];
  if (title) return { space: "", own: title, tags: [name, ...tags].join(" ") };
  const dot = name.lastIndexOf(".") + 1;
  return { space: name.slice(0, dot), own: name.slice(dot), tags: tags.join(" ") };
}

/** Return what stands in the cell of the source: {names, first, others}, such as `web-1`, `+2`. */
export function sourceText({ series }) {
  const names = [...new Set(series.map(({ source }) => source))].sort();
  return { names, first: names[0] || "–", others: names.length > 1 ? `+${names.length - 1}` : "" };
}

/** The letters of the longest text in each of the columns that have texts of any length. */
export class ColumnLetters {
  constructor() {
    this.longest = { name: 0, source: 0 };
    this.measured = new Map(); // by key of a row, what its texts depend on
  }

  /** Return {name, source} of all rows so far; a row is measured again only if its texts may have changed. */
  of(rows) {
    for (const row of rows) {
      const before = this.measured.get(row.key);
      const [first, last] = [row.series[0].id, row.series.at(-1).id];
      if (before && before.about === row.about && before.first === first && before.last === last) continue;
      this.measured.set(row.key, { about: row.about, first, last });
      this.measure(row);
    }
    return this.longest;
  }

  measure(row) {
    const { space, own, tags } = nameText(row);
    const { first, others } = sourceText(row);
    const name = letters(space + own) + (tags && Math.ceil(TAGS_SCALE * letters(` ${tags}`)));
    this.longest.name = Math.max(this.longest.name, Number(name));
    this.longest.source = Math.max(this.longest.source, letters(others ? `${first} ${others}` : first));
  }
}

function letters(text) {
  let sum = 0;
  for (const letter of text) sum += letter.codePointAt(0) < FIRST_WIDE ? 1 : 2;
  return sum;
}
