// Prints the suite's own list of tests as JSON: `node list_tests.mjs FOLDER_OF_THE_SUITE`.
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const { default: suites } = await import(pathToFileURL(path.join(process.argv[2], 'tests/index.mjs')))
process.stdout.write(JSON.stringify(suites))
