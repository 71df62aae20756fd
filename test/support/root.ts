import { pathToFileURL } from 'node:url'

/** The folder of the repository. Tests are run from there, and compiled they are not where they were written. */
export const root: URL = pathToFileURL(`${process.cwd()}/`)
