/** Brings a failure to the field that it is about, so that it stands where the person looks. */
import type { Problem } from '#lib/api/types.ts'

export interface FormProblem<Field extends string> {
  readonly fields: Partial<Record<Field, string>>
  /** What is about no field of the form; shown above its button. */
  readonly rest: Problem | null
}

/** Codes that are about one field, though the server names none. */
const FIELD_BY_CODE: Readonly<Record<string, string>> = {
  'wrong-credentials': 'password',
  'wrong-password': 'currentPassword',
  'handle-taken': 'handle',
  'email-taken': 'email',
}

/** Sorts a problem into the form's fields and the rest. */
export function sortProblem<Field extends string>(
  problem: Problem,
  names: readonly Field[],
): FormProblem<Field> {
  const fields: Partial<Record<Field, string>> = {}
  for (const name of names) {
    const told = problem.fields?.[name]
    if (told) fields[name] = told
  }
  const byCode = names.find((name) => name === FIELD_BY_CODE[problem.code])
  if (byCode && !fields[byCode]) fields[byCode] = `${withStop(problem.detail)} ${problem.next}`
  return { fields, rest: Object.keys(fields).length > 0 ? null : problem }
}

function withStop(sentence: string): string {
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`
}
