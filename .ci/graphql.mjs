// Holds GraphQL against the whole schema that GitHub publishes: `node .ci/graphql.mjs FOLDER`, at the root.
//
// FOLDER holds the requests that the tests' fake GitHub has accepted (tests/support/github/graphql), each as a file of
// JSON with `query` and `variables`. The fake knows a part of the schema, tests/data/github/schema.graphql; that it is
// a part is checked too.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const PART = "tests/data/github/schema.graphql";

const NPM = resolve("target/ci/npm");

const require = createRequire(join(NPM, "package.json"));
const { buildSchema, findBreakingChanges, getOperationAST, getVariableValues, parse, validate } = require("graphql");

const read = (path) => readFileSync(path, "utf8");
// GitHub's text is taken as it is: it defines a field twice.
const published = buildSchema(read(join(NPM, "node_modules/@octokit/graphql-schema/schema.graphql")), {
  assumeValid: true,
});

// All that is wrong with a request.
function faults({ query, variables, operationName }) {
  const document = parse(query);
  const wrong = validate(published, document);
  if (wrong.length > 0) {
    return wrong;
  }
  const { variableDefinitions } = getOperationAST(document, operationName);
  return getVariableValues(published, variableDefinitions, variables ?? {}).errors ?? [];
}

// What fits the part would not fit the whole where the way from the one to the other breaks something.
const found = findBreakingChanges(buildSchema(read(PART)), published).map(({ description }) => `${PART}: ${description}`);

const [folder] = process.argv.slice(2);
const documents = new Set();
const files = readdirSync(folder);
for (const file of files) {
  const request = JSON.parse(read(join(folder, file)));
  documents.add(request.query);
  found.push(...faults(request).map(({ message }) => `${message}\n  ${request.query.replaceAll(/\s+/g, " ")}`));
}
if (files.length === 0) {
  found.push(`${folder} is empty: the tests have kept nothing`);
}
console.log(`graphql: ${files.length} requests, ${documents.size} documents: ${found.length || "ok"}`);
[...new Set(found)].forEach((line) => console.log(`  ${line}`));
process.exitCode = found.length > 0 ? 1 : 0;
