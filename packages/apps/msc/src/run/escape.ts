// Makes free text harmless in a chart.

/**
 * Characters that mean something to Mermaid anywhere in a chart: `;` ends a statement, `#` starts
 * an entity or a comment, `%%{…}%%` is a directive even inside a label, `$$…$$` is mathematics,
 * `<…>` is a tag that sanitising removes, and `ﬂ` and `¶` stand for entities in its own
 * intermediate form.
 */
const SPECIAL = /[#;%$<>ﬂ¶]/g;

/** Lines with these words lose the last `;` of an entity (Mermaid takes them for CSS). */
const CSS_WORDS = /style|classDef/g;

const entity = (text: string): string => `#${text.codePointAt(0)};`;

/** Line breaks, other control characters, and half characters cannot stand in any chart. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** Free text as it may stand in a Mermaid label, a note, an alias or a title. */
export function escapeLabel(text: string): string {
  return printable(text)
    .replace(SPECIAL, entity)
    .replace(CSS_WORDS, (word) => entity(word) + word.slice(1));
}
