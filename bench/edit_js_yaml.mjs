// Makes every edit of a jobs file with the libraries of yaml-update-action, in place: js-yaml reads and writes, jsonpath finds.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [modules, jobsFile] = process.argv.slice(2)
const require = createRequire(`${modules}/`)
const yaml = require('js-yaml')
const jsonpath = require('jsonpath')

function edit(text, { document, path, new: value }) {
  const documents = yaml.loadAll(text)
  const place = '$' + path.map(step => `[${JSON.stringify(step)}]`).join('')
  if (jsonpath.value(documents[document], place) === undefined) throw new Error(`no ${place}`)
  jsonpath.value(documents[document], place, value)
  return documents.map(each => yaml.dump(each, { lineWidth: -1 })).join('---\n')
}

let failed = 0
for (const job of JSON.parse(readFileSync(jobsFile, 'utf8'))) {
  try {
    writeFileSync(job.file, edit(readFileSync(job.file, 'utf8'), job))
  } catch (error) {
    failed += 1
    console.error(`${job.file}: ${error.message.split('\n')[0]}`)
  }
}
console.error(`failed: ${failed}`)
