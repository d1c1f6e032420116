/** What an import makes: a service's file as it will be written, and what could not be carried over, by name. */

/** One thing of the source that has no counterpart here, or only in part. */
export interface LeftOut {
  /** As the source calls it: `monitor "Shop"`. */
  readonly what: string
  readonly why: string
}

export interface DraftFeature {
  readonly id: string
  readonly name: string
  readonly description?: string
  readonly group?: string
}

/** What goes into the file; defaults are left out of it. */
export interface Draft {
  readonly id: string
  readonly name: string
  readonly url: string
  readonly timeZone?: string
  readonly features: readonly DraftFeature[]
  readonly monitors: readonly Readonly<Record<string, unknown>>[]
  readonly word?: {
    readonly kind: 'statuspage'
    readonly url: string
    readonly features: Readonly<Record<string, string>>
  }
}

/** How the person wants the service to be called; null: as the source does. */
export interface Wishes {
  readonly id: string | null
  readonly name: string | null
  readonly url: string | null
}

/** Nothing is written; the message says why and what to do. */
export class ImportError extends Error {}

const ID_MAX_LENGTH = 56
const NAME_MAX_LENGTH = 80
/** In a service's file this would stand for a variable of the environment, which a foreign file has no business with. */
const VARIABLE = /\$\{/g

/** Makes ids that a service's file takes, each once. */
export function createIds(fallback: string): (name: string) => string {
  const taken = new Set<string>()
  return (name) => {
    const base = slugOf(name) || fallback
    let id = base
    for (let number = 2; taken.has(id); number++) id = `${base}-${number}`
    taken.add(id)
    return id
  }
}

/** Lower-case letters, digits and hyphens; empty when the name has none of them. */
export function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, ID_MAX_LENGTH)
    .replace(/^-+|-+$/g, '')
}

/** A text for people: on one line, without variables, at most so long. */
export function plainText(text: string, maxLength: number = NAME_MAX_LENGTH): string {
  const plain = text.replace(/\s+/g, ' ').trim().replace(VARIABLE, '$ {')
  return plain.length <= maxLength ? plain : `${plain.slice(0, maxLength - 1)}…`
}

/** Whether a value anywhere in it would be read as a variable. */
export const hasVariable = (value: unknown): boolean => JSON.stringify(value).search(VARIABLE) >= 0

/** JSON or a refusal that names the source. @throws {ImportError} */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ImportError(`${source} is no JSON: ${(error as Error).message}`, { cause: error })
  }
}
