/** HTML from tagged templates: every value is escaped unless it was made by a template itself. */

const MARKUP = Symbol('markup')

/** A piece of finished markup. Only `html` and `trusted` make one: parsed JSON can't carry the symbol. */
export interface Html {
  readonly [MARKUP]: string
}

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[]

/** Escapes text for HTML content and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

/** A template whose values are escaped; lists are joined, null, undefined and false leave nothing. */
export function html(template: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const strings = squeeze(template)
  let markup = strings[0]!
  for (let i = 0; i < values.length; i++) markup += toMarkup(values[i]!) + strings[i + 1]!
  return { [MARKUP]: markup }
}

const squeezed = new WeakMap<TemplateStringsArray, readonly string[]>()

/** The source's indentation stays in the source: runs of white space around a line's end become one line's end. */
function squeeze(template: TemplateStringsArray): readonly string[] {
  let strings = squeezed.get(template)
  if (!strings) squeezed.set(template, (strings = template.map((part) => part.replaceAll(/\s*\n\s*/g, '\n'))))
  return strings
}

/** Markup of our own that is known to be safe, such as a style sheet or a path's data. Never a person's words. */
export const trusted = (markup: string): Html => ({ [MARKUP]: markup })

/** The text of finished markup. */
export const toText = (value: Html): string => value[MARKUP]

function toMarkup(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return ''
  if (typeof value === 'string') return escapeHtml(value)
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return (value as readonly HtmlValue[]).map(toMarkup).join('')
  return (value as Html)[MARKUP]
}
