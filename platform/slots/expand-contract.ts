/**
 * Whether code that knows nothing of a migration can go on working once it is applied: a release runs beside the one before it,
 * on one database, and may go back. So a schema is only ever widened ("expand"); what no code uses any more is taken away by a
 * later release ("contract").
 *
 * Judged by PostgreSQL's own parser, and by a list of what is harmless: what is on no list is refused.
 */
import {
  loadModule,
  parseSync,
  type AlterTableCmd,
  type ColumnDef,
  type DropStmt,
  type Node,
  type RenameStmt,
} from 'libpg-query'

export interface Migration {
  readonly name: string
  readonly sql: string
}

export interface Breach {
  readonly migration: string
  /** What old code can't live with, and what to do instead. */
  readonly why: string
}

export interface ExpandOptions {
  /** Migrations that the old code brings along: what it says is unused since one of them may go. */
  readonly knownToOldCode: ReadonlySet<string>
}

/**
 * `-- contract: unused since 0016-flags` in a migration: the code that brought 0016-flags along had ceased to use what is
 * taken away here.
 */
const CONTRACT_MARK = /^--\s*contract:\s*unused since (\S+)\s*$/m

/**
 * What in these migrations, applied in their order, breaks code that came before them. What they make themselves is theirs to
 * change.
 */
export async function findBreaches(
  migrations: readonly Migration[],
  { knownToOldCode }: ExpandOptions,
): Promise<Breach[]> {
  await loadModule()
  const own = new Set<string>()
  return migrations.flatMap(({ name, sql }) => {
    const since = CONTRACT_MARK.exec(sql)?.[1]
    const found = readStatements(sql, own)
    if (since === undefined || found.length === 0) return found.map((why) => ({ migration: name, why }))
    if (knownToOldCode.has(since)) return []
    return [
      {
        migration: name,
        why: `it takes away what is unused only since ${since}, which the running release does not have yet: release that first.`,
      },
    ]
  })
}

function readStatements(sql: string, own: Set<string>): string[] {
  let statements: Node[]
  try {
    statements = (parseSync(sql).stmts ?? []).flatMap(({ stmt }) => stmt ?? [])
  } catch (error) {
    return [`it is not understood: ${(error as Error).message}`]
  }
  return statements.flatMap((statement) => judgeStatement(statement, own))
}

const HARMLESS = new Set([
  'CreateSeqStmt',
  'CreateEnumStmt',
  'CreateDomainStmt',
  'CompositeTypeStmt',
  'CreateSchemaStmt',
  'CreateExtensionStmt',
  'CreateStatsStmt',
  'CommentStmt',
  // PostgreSQL keeps a replaced function's signature and a replaced view's columns.
  'CreateFunctionStmt',
  'ViewStmt',
  // How the old code's rows are brought over to the new shape.
  'CreateTrigStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'SelectStmt',
  'VariableSetStmt',
  'VacuumStmt',
])

function judgeStatement(node: Node, own: Set<string>): string[] {
  const kind = Object.keys(node)[0]!
  if (HARMLESS.has(kind)) return []
  if ('CreateStmt' in node) own.add(node.CreateStmt.relation?.relname ?? '')
  else if ('CreateTableAsStmt' in node) own.add(node.CreateTableAsStmt.into?.rel?.relname ?? '')
  else if ('IndexStmt' in node) {
    const { unique, relation } = node.IndexStmt
    const table = relation?.relname ?? ''
    if (unique && !own.has(table))
      return [
        `a unique index on ${table} refuses rows that old code writes. Make it when nobody writes such rows any more.`,
      ]
  } else if ('AlterTableStmt' in node) {
    const { relation, cmds = [] } = node.AlterTableStmt
    const table = relation?.relname ?? ''
    if (!own.has(table))
      return cmds.flatMap((one) => ('AlterTableCmd' in one ? judgeCommand(one.AlterTableCmd, table) : []))
  } else if ('RenameStmt' in node) return judgeRename(node.RenameStmt, own)
  else if ('DropStmt' in node) return judgeDrop(node.DropStmt, own)
  else return judgeRare(node, kind)
  return []
}

function judgeRare(node: Node, kind: string): string[] {
  if ('AlterEnumStmt' in node)
    return node.AlterEnumStmt.oldVal === undefined
      ? []
      : ['a value of a type is renamed, which old code still writes.']
  if ('TruncateStmt' in node) return ['a table is emptied under the code that reads it.']
  if ('DoStmt' in node) return ['a DO block does what nobody can tell beforehand. Write its statements down.']
  if ('GrantStmt' in node) return node.GrantStmt.is_grant ? [] : ['a right is taken away.']
  return [`it is not known whether old code can live with it: ${kind}.`]
}

function judgeRename({ relation, subname }: RenameStmt, own: Set<string>): string[] {
  const table = relation?.relname
  if (table !== undefined && own.has(table)) return []
  return [
    `${subname ?? table ?? 'something'} is renamed, and old code asks for it by its name. Add the new one, and drop the old one a release later.`,
  ]
}

const HARMLESS_COMMANDS = new Set([
  'AT_SetStatistics',
  'AT_SetStorage',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ValidateConstraint',
  'AT_EnableTrig',
  'AT_ClusterOn',
])

const WHY: Readonly<Record<string, (column: string, table: string) => string>> = {
  AT_DropColumn: (column, table) =>
    `${table}.${column} is dropped, which old code reads. Cease to use it in one release, and drop it in the next.`,
  AT_AlterColumnType: (column, table) =>
    `${table}.${column} gets another type, which old code does not expect. Add a column of the new type instead.`,
  AT_SetNotNull: (column, table) =>
    `${table}.${column} becomes NOT NULL, and old code may write null. Do that when no code writes null any more.`,
  AT_DropNotNull: (column, table) =>
    `${table}.${column} may become null, which old code does not expect. Add a column that may be instead.`,
  AT_DropConstraint: (column, table) =>
    `the constraint ${column} of ${table} is dropped, on which old code may rely (ON CONFLICT). Do it a release later.`,
}

function judgeCommand(
  { subtype = 'AT_SetStatistics', def, name = '' }: AlterTableCmd,
  table: string,
): string[] {
  if (HARMLESS_COMMANDS.has(subtype)) return []
  if (subtype === 'AT_AddColumn' && def && 'ColumnDef' in def) return judgeNewColumn(def.ColumnDef, table)
  if (subtype === 'AT_ColumnDefault')
    return def ? [] : [`${table}.${name} loses its default, by which old code leaves it out.`]
  if (subtype === 'AT_AddConstraint')
    return [
      `a constraint on ${table} refuses rows that old code writes. Add it when no code writes such rows any more.`,
    ]
  return [
    WHY[subtype]?.(name, table) ??
      `it is not known whether old code can live with it: ${subtype} of ${table}.`,
  ]
}

/** Old code leaves it out of what it inserts. */
function judgeNewColumn({ colname, constraints = [] }: ColumnDef, table: string): string[] {
  const kinds = constraints.map((one) => ('Constraint' in one ? one.Constraint.contype : undefined))
  const isNeeded = kinds.includes('CONSTR_NOTNULL') || kinds.includes('CONSTR_PRIMARY')
  const isFilled = (['CONSTR_DEFAULT', 'CONSTR_IDENTITY', 'CONSTR_GENERATED'] as const).some((kind) =>
    kinds.includes(kind),
  )
  if (!isNeeded || isFilled) return []
  return [`${table}.${colname} is NOT NULL without a default, and old code leaves it out. Give it one.`]
}

function judgeDrop({ removeType = 'OBJECT_TABLE', objects = [] }: DropStmt, own: Set<string>): string[] {
  const kind = removeType.replace('OBJECT_', '').toLowerCase()
  const names = objects.map(nameOf)
  if (kind === 'table' && names.every((name) => own.has(name))) return []
  return [
    `the ${kind} ${names.join(', ')} is dropped, which old code may use. Cease to use it in one release, and drop it in the next.`,
  ]
}

function nameOf(object: Node): string {
  const parts =
    'List' in object
      ? object.List.items
      : 'ObjectWithArgs' in object
        ? object.ObjectWithArgs.objname
        : 'TypeName' in object
          ? object.TypeName.names
          : []
  return (parts ?? []).map((part) => ('String' in part ? part.String.sval : '')).join('.')
}
