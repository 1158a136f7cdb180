// Makes every edit of a jobs file with the `yaml` package, in place.
// `document` uses its document API; `cst` its concrete syntax tree, which is made for small changes of the text.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [yamlPackage, mode, jobsFile] = process.argv.slice(2)
const { parseAllDocuments, Composer, CST, Parser } = createRequire(import.meta.url)(yamlPackage)

function byDocument(text, { document, path, new: value }) {
  const documents = parseAllDocuments(text)
  if (documents[document].errors.length > 0) throw documents[document].errors[0]
  documents[document].setIn(path, value)
  return documents.map(each => each.toString({ lineWidth: 0 })).join('')
}

function bySyntaxTree(text, { document, path, new: value }) {
  const tokens = [...new Parser().parse(text)]
  const documents = [...new Composer({ keepSourceTokens: true }).compose(tokens)]
  const node = documents[document].getIn(path, true)
  CST.setScalarValue(node.srcToken, value)
  return tokens.map(CST.stringify).join('')
}

const edit = { document: byDocument, cst: bySyntaxTree }[mode]
let failed = 0
for (const job of JSON.parse(readFileSync(jobsFile, 'utf8'))) {
  try {
    writeFileSync(job.file, edit(readFileSync(job.file, 'utf8'), job))
  } catch (error) {
    failed += 1
    console.error(`${job.file}: ${error.message}`)
  }
}
console.error(`failed: ${failed}`)
