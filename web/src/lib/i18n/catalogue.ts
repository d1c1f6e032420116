/**
 * Texts: typed keys, parameters checked by the compiler, plurals by the language's own rules.
 *
 * A catalogue is a flat object of messages. `{name}` stands for a parameter; a message that depends on a number is
 * an object of plural forms, chosen by the parameter `n`.
 */
import { loadedTexts, locale } from './locale.svelte.ts'

export type PluralForms = { readonly other: string } & Partial<Record<Intl.LDMLPluralRule, string>>
export type Message = string | PluralForms
export type Messages = Readonly<Record<string, Message>>

type NamesIn<S extends string> = S extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never
type ParamNames<M> = M extends string
  ? NamesIn<M>
  : M extends { other: infer O extends string }
    ? NamesIn<O> | 'n'
    : never
type Params<M> = { readonly [Name in ParamNames<M>]: string | number }
/** What a key's text needs: nothing at all, or its parameters. */
export type ParamsOf<M> = [ParamNames<M>] extends [never] ? [] : [params: Params<M>]

export type Translator<T extends Messages> = <K extends keyof T & string>(
  key: K,
  ...params: ParamsOf<T[K]>
) => string

/**
 * Makes the `t` of one catalogue. English is built in; another language's texts are looked up by the catalogue's
 * name and fall back to English text by text.
 */
export function createTranslator<const T extends Messages>(name: string, english: T): Translator<T> {
  return (key, ...params) => {
    const message = loadedTexts.byCatalogue[name]?.[key] ?? english[key]!
    return formatMessage(message, (params[0] ?? {}) as Record<string, string | number>, locale.current)
  }
}

/** Chooses the plural form by `n` and puts the parameters in; numbers are written the language's way. */
export function formatMessage(
  message: Message,
  params: Readonly<Record<string, string | number>>,
  language: string,
): string {
  const text = typeof message === 'string' ? message : choosePlural(message, Number(params.n), language)
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name]
    if (value === undefined) return whole
    return typeof value === 'number' ? new Intl.NumberFormat(language).format(value) : value
  })
}

function choosePlural(forms: PluralForms, n: number, language: string): string {
  return forms[new Intl.PluralRules(language).select(n)] ?? forms.other
}
