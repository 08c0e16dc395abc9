// Prints the list of tests that the suite's client runs, as JSON: `node list_tests.mjs FOLDER_OF_THE_SUITE`. The client
// adds the suite on Surrogate-Control to those of the index; so does this.
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const load = async (file) => (await import(pathToFileURL(path.join(process.argv[2], 'tests', file)))).default
process.stdout.write(JSON.stringify([...await load('index.mjs'), await load('surrogate-control.mjs')]))
