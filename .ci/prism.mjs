// The two parts of .ci/prism that are no shell:
// `describe FROM TO` mends GitHub's description of its API where it is narrower than the API, `replay FOLDER URL` sends
// the requests that the tests' fake GitHub has accepted (tests/support/github/kept.rs).
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OURS = "application/vnd.github+json";

const read = (path) => JSON.parse(readFileSync(path, "utf8"));

function describe(from, to) {
  const description = read(from);
  const mend = (part) => {
    // Every JSON answer can be had as OURS, which GitHub's documentation recommends to ask for.
    for (const { content } of Object.values(part.responses ?? {})) {
      if (content?.["application/json"]) {
        content[OURS] = content["application/json"];
      }
    }
    // "Returns workflow runs created within the given date-time range", such as `>=2026-01-01`.
    if (part.created?.in === "query") {
      delete part.created.schema.format;
    }
  };
  Object.values(description.paths).flatMap(Object.values).forEach(mend);
  mend(description.components);
  mend(description.components.parameters);
  writeFileSync(to, JSON.stringify(description));
}

async function replay(folder, url) {
  const files = readdirSync(folder);
  if (files.length === 0) {
    throw new Error(`${folder} is empty: the tests have kept nothing`);
  }
  for (const { method, target, body } of files.map((file) => read(join(folder, file)))) {
    // prism takes no slash in a parameter of a path; GitHub does in these two (`x-multi-segment`).
    const path = target.replace(/(?<=\/(git\/refs?|compare)\/)[^?]+/, encodeURIComponent);
    const headers = { accept: OURS, "content-type": "application/json" };
    const answer = await fetch(url + path, {
      method,
      headers,
      body: ["GET", "DELETE"].includes(method) ? undefined : JSON.stringify(body),
    });
    await answer.arrayBuffer();
  }
  console.log(`prism: ${files.length} requests sent again`);
}

const [what, ...rest] = process.argv.slice(2);
await { describe, replay }[what](...rest);
