/** Small things that a part of the watch keeps by a name: its keys, the journeys' account. All their SQL is here. */
import type { Statement, Store } from './types.ts'

interface KeptInput {
  readonly name: string
  readonly value: string
  readonly nowMs: number
}

/** Undefined when nothing is kept by the name. */
export const readKept = (store: Pick<Store, 'get'>, name: string): string | undefined =>
  store.get<{ value: string }>('select value from kept where name = :name', { name })?.value

/** Keeps it in place of what was kept by the name. */
export const keepStatement = ({ name, value, nowMs }: KeptInput): Statement => ({
  sql: `insert into kept (name, value, at_ms) values (:name, :value, :nowMs)
    on conflict (name) do update set value = excluded.value, at_ms = excluded.at_ms`,
  params: { name, value, nowMs },
})

/** Keeps it unless something is kept by the name already. */
export const keepFirstStatement = ({ name, value, nowMs }: KeptInput): Statement => ({
  sql: 'insert into kept (name, value, at_ms) values (:name, :value, :nowMs) on conflict do nothing',
  params: { name, value, nowMs },
})

/** Forgets it; undoes its unit when it was not there. */
export const useUpKeptStatement = (name: string): Statement => ({
  sql: 'delete from kept where name = :name',
  params: { name },
  mustChange: true,
})

/** Forgets all whose names begin so, but one. */
export const forgetKeptStatement = (prefix: string, except = ''): Statement => ({
  sql: 'delete from kept where substr(name, 1, length(:prefix)) = :prefix and name <> :except',
  params: { prefix, except },
})

/** Keeps what `make` makes unless there is one, and answers what is kept: two that begin at once share it. */
export async function keepOnce(
  store: Store,
  input: { readonly name: string; readonly nowMs: number; readonly make: () => string },
): Promise<string> {
  const known = readKept(store, input.name)
  if (known !== undefined) return known
  await store.write([keepFirstStatement({ name: input.name, value: input.make(), nowMs: input.nowMs })])
  return readKept(store, input.name)!
}
