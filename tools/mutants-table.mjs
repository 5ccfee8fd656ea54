// The table of tests/MUTANTS.md.

const row = ({ name, about, file, test, worlds }) => {
  const within = worlds === undefined ? 'fixed inputs' : `at most ${worlds} worlds`;
  return `| \`${name}\` | ${about} | \`${file}\` | \`${test}\` | ${within} |`;
};

/** The whole file. */
export function tableOf(mutants) {
  return `<!-- Written by \`node tools/mutants.mjs --table\`. -->
# Broken on purpose

\`node tools/mutants.mjs [NAME…]\` makes each of these ${mutants.length} mistakes in turn and demands that the test named
goes red. The tidy test demands that every line to break is still there, once, and that this table is what
the list gives.

| mistake | what it breaks | where | noticed by | within |
|---|---|---|---|---|
${mutants.map(row).join('\n')}
`;
}
