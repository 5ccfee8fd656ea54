// Test helper: reads XML strictly, as far as our pictures have it.

/** An element with what is in it. */
export interface Node {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Node[];
  /** Text of this element alone. */
  readonly text: string;
}

interface Open {
  name: string;
  attributes: Record<string, string>;
  children: Node[];
  text: string;
}

const TOKEN = /<(\/?)([A-Za-z][\w-]*)((?: [A-Za-z][\w:-]*="[^"<]*")*)(\/?)>|([^<]+)/gy;
const ATTRIBUTE = / ([A-Za-z][\w:-]*)="([^"<]*)"/g;
const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
};
/** What XML 1.0 lets a document hold. */
const CHARACTERS = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

function resolved(text: string): string {
  return text.replace(/&[^;]*;?/g, (entity) => {
    const meant = ENTITIES[entity];
    if (meant === undefined) throw new SyntaxError(`entity ${entity}`);
    return meant;
  });
}

function attributesOf(text: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, key = '', value = ''] of text.matchAll(ATTRIBUTE)) {
    if (Object.hasOwn(attributes, key)) throw new SyntaxError(`attribute ${key} twice`);
    attributes[key] = resolved(value);
  }
  return attributes;
}

/** The one element of a document. @throws SyntaxError where it is not well-formed */
export function parseXml(document: string): Node {
  if (!CHARACTERS.test(document)) throw new SyntaxError('a character that no XML may hold');
  const root: Open = { name: '', attributes: {}, children: [], text: '' };
  const stack: Open[] = [root];
  let end = 0;
  for (const match of document.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    const [, closes, name = '', attributes = '', empty, text] = match;
    const top = stack.at(-1) ?? root;
    if (text !== undefined) {
      top.text += resolved(text);
    } else if (closes === '/') {
      if (top.name !== name || stack.length < 2) throw new SyntaxError(`</${name}> in ${top.name}`);
      stack.pop();
    } else {
      const node: Open = { name, attributes: attributesOf(attributes), children: [], text: '' };
      top.children.push(node);
      if (empty !== '/') stack.push(node);
    }
  }
  if (end !== document.length) throw new SyntaxError(`at ${end}: ${document.slice(end, end + 40)}`);
  const [only] = root.children;
  if (stack.length !== 1 || root.children.length !== 1 || only === undefined) {
    throw new SyntaxError('not one whole element');
  }
  if (root.text.trim() !== '') throw new SyntaxError('text outside of the element');
  return only;
}

/** This element and all below it. */
export function allOf(node: Node): readonly Node[] {
  return [node, ...node.children.flatMap(allOf)];
}
