/** From a service's YAML text to a checked entry, or to faults with line, column and remedy. */
import { isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml'
import type { z } from 'zod'
import type { CatalogFault } from './catalog.ts'
import { ServiceEntry } from './schema.ts'

export type ParsedEntry =
  | { readonly entry: ServiceEntry; readonly faults: null }
  | { readonly entry: null; readonly faults: readonly CatalogFault[] }

export const FILE_MAX_BYTES = 16 * 1024 * 1024
const FAULTS_SHOWN = 20

/**
 * Reads one service. `${NAME}` and `${NAME:-default}` in a value stand for variables; a fault's text never shows what one
 * stands for.
 */
export function parseEntry(
  text: string,
  file: string,
  variables: Readonly<Record<string, string | undefined>>,
): ParsedEntry {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number | undefined) => {
    if (offset === undefined) return { line: null, column: null }
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const faults: CatalogFault[] = document.errors.map((error) => ({
    file,
    ...at(error.pos[0]),
    message: error.message,
    remedy:
      'Mend the YAML there: indentation by spaces, a space after each colon, quotes around texts that hold : or #.',
  }))
  if (faults.length > 0) return { entry: null, faults }

  faults.push(...fillIn(document, variables).map((fault) => ({ file, ...at(fault.offset), ...fault.says })))
  if (faults.length > 0) return { entry: null, faults }

  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    // Aliases that lead nowhere, or that would unfold without end.
    const remedy = 'Write the value out where the alias (*name) stands, or mend the anchor (&name).'
    return { entry: null, faults: [{ file, ...at(0), message: (error as Error).message, remedy }] }
  }
  const parsed = ServiceEntry.safeParse(value)
  if (parsed.success) return { entry: parsed.data, faults: null }
  return {
    entry: null,
    faults: parsed.error.issues
      .slice(0, FAULTS_SHOWN)
      .map((issue) => ({ file, ...at(offsetOf(document, issue.path)), ...explain(issue) })),
  }
}

interface FoundFault {
  readonly offset: number | undefined
  readonly says: { readonly message: string; readonly remedy: string }
}

function fillIn(document: Document, variables: Readonly<Record<string, string | undefined>>): FoundFault[] {
  const faults: FoundFault[] = []
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return
      node.value = node.value.replace(
        /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
        (_, name: string, fallback?: string) => {
          const value = variables[name] ?? fallback
          if (value !== undefined) return value
          faults.push({
            offset: node.range?.[0],
            says: {
              message: `The variable ${name} is not set.`,
              remedy: `Set ${name} in the environment of the watch, or write \${${name}:-default}.`,
            },
          })
          return ''
        },
      )
    },
  })
  return faults
}

/** Where the value at the path begins, or the nearest thing around it that is written down. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { range?: readonly number[] } | undefined
    if (node?.range) return node.range[0]
  }
  return isScalar(document.contents) ? document.contents.range?.[0] : 0
}

function explain(issue: z.core.$ZodIssue): { message: string; remedy: string } {
  const where = issue.path.join('.') || 'the file'
  if (issue.code === 'unrecognized_keys')
    return {
      message: `${where}: there is no setting ${issue.keys.join(', ')}.`,
      remedy:
        'Mind the spelling, or take it out; watch/configuration/service.schema.json lists all settings.',
    }
  if (issue.code === 'invalid_type')
    return issue.input === undefined
      ? { message: `${where} is missing.`, remedy: `Add it: it takes a ${issue.expected}.` }
      : { message: `${where}: ${issue.message}.`, remedy: `Write a ${issue.expected} there.` }
  if (issue.code === 'invalid_value')
    return {
      message: `${where}: ${issue.message}.`,
      remedy: `Write one of ${issue.values.map(String).join(', ')}.`,
    }
  if (issue.code === 'invalid_union')
    return {
      message: `${where} is none of the kinds that exist.`,
      remedy: 'Look at watch/catalog/upbeat.yaml for an example of each kind.',
    }
  return { message: `${where}: ${issue.message}`, remedy: 'Change the value so that it fits.' }
}

/** As a line for a person: `file:line:column message Remedy.` */
export function describeFault({ file, line, column, message, remedy }: CatalogFault): string {
  const at = line === null ? file : `${file}:${line}:${column}`
  return `${at}  ${message}\n    ${remedy}`
}
