/**
 * The walls of the house: who may import whom. `tests/walls.test.ts` plants a violation of each.
 *
 * Tests may look behind a module's index and use any tool; what they test may not.
 */
const TESTS = ['\\.test\\.ts$', '(^|[/.-])(fixtures|arbitraries)(/|\\.ts$)', '^tests/', '^bench/']
const OUR_OWN = '^(contract|engines|kit|platform|watch|web|cli|tests|bench|scripts)/'

/** Small and pure: no network, no disk, no clock, no randomness. */
const PURE_PACKAGES = []

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that need each other are one file, or three. Types may refer to each other.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      comment: 'An import that leads nowhere also leads past every other wall.',
      from: { pathNot: '^web/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'module-through-index-from-module',
      severity: 'error',
      comment: 'A module is entered through its index.ts.',
      from: { path: '^platform/modules/([^/]+)/', pathNot: TESTS },
      to: {
        path: '^platform/modules/[^/]+/',
        pathNot: ['^platform/modules/$1/', '^platform/modules/[^/]+/index\\.ts$'],
      },
    },
    {
      name: 'module-through-index-from-elsewhere',
      severity: 'error',
      comment: 'A module is entered through its index.ts.',
      from: { pathNot: ['^platform/modules/', ...TESTS] },
      to: { path: '^platform/modules/[^/]+/', pathNot: '^platform/modules/[^/]+/index\\.ts$' },
    },
    {
      name: 'infra-knows-no-module',
      severity: 'error',
      comment: 'infra/ has no word of the business, and nothing above it.',
      from: { path: '^platform/infra/', pathNot: TESTS },
      to: { path: '^platform/(?!infra/)' },
    },
    {
      name: 'app-knows-no-module',
      severity: 'error',
      comment: 'What every module stands on stands on none of them.',
      from: { path: '^platform/app/', pathNot: TESTS },
      to: { path: '^platform/(modules|roles|supervisor)/' },
    },
    {
      name: 'kysely-in-queries-only',
      severity: 'error',
      comment: 'All SQL of a module is in its *.queries.ts; tables are described in *.schema.ts by types.',
      from: {
        pathNot: ['\\.queries\\.ts$', '^platform/infra/(db|jobs)/', ...TESTS],
      },
      to: { path: 'node_modules/kysely/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'routes-without-queries',
      severity: 'error',
      comment: 'Routes speak HTTP and call verbs; verbs check access before they query.',
      from: { path: '\\.routes\\.ts$' },
      to: { path: '\\.queries\\.ts$' },
    },
    {
      name: 'engines-pure-packages',
      severity: 'error',
      comment: 'Engines know no network, disk, clock or randomness, and none of the rest of ours.',
      from: { path: '^engines/', pathNot: TESTS },
      to: { pathNot: ['^engines/', ...PURE_PACKAGES.map((name) => `node_modules/${name}/`)] },
    },
    {
      name: 'engines-share-types-only',
      severity: 'error',
      comment: 'An engine may name the types of another.',
      from: { path: '^engines/([^/]+)/', pathNot: TESTS },
      to: { path: '^engines/', pathNot: '^engines/$1/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'kit-imports-none-of-ours',
      severity: 'error',
      comment: 'kit/ is useful to anyone: npm packages only.',
      from: { path: '^kit/', pathNot: TESTS },
      to: { path: OUR_OWN, pathNot: '^kit/' },
    },
    {
      name: 'admission-core-is-pure',
      severity: 'error',
      comment:
        'Who may begin is decided without clock, timer or network, and can be played on a virtual clock.',
      from: { path: '^kit/admission/core/', pathNot: TESTS },
      to: { pathNot: '^kit/admission/core/' },
    },
    {
      name: 'contract-imports-zod-only',
      severity: 'error',
      comment: 'What crosses a process boundary depends on neither side.',
      from: { path: '^contract/', pathNot: TESTS },
      to: { pathNot: ['^contract/', 'node_modules/zod/'] },
    },
    {
      name: 'watch-apart-from-platform',
      severity: 'error',
      comment: 'The watch shares nothing with what it watches.',
      from: { path: '^watch/', pathNot: TESTS },
      to: { path: OUR_OWN, pathNot: '^(watch|contract|kit|engines/detect)/' },
    },
    {
      name: 'incidents-through-index',
      severity: 'error',
      comment: 'The watch’s incidents are entered through their index.ts.',
      from: { path: '^watch/', pathNot: ['^watch/incidents/', ...TESTS] },
      to: { path: '^watch/incidents/', pathNot: '^watch/incidents/index\\.ts$' },
    },
    {
      name: 'incidents-below-those-who-show-them',
      severity: 'error',
      comment: 'What stands on incidents is handed to them in the context, never imported.',
      from: { path: '^watch/incidents/', pathNot: TESTS },
      to: { path: '^watch/(?!(app|configuration|incidents|store)/)' },
    },
    {
      name: 'platform-apart-from-watch',
      severity: 'error',
      comment: 'The platform does not know that it is watched.',
      from: { path: '^platform/', pathNot: TESTS },
      to: { path: '^watch/' },
    },
    {
      name: 'nothing-needs-the-command-line',
      severity: 'error',
      comment: 'cli/ is a thin adapter: what others could need lies behind it.',
      from: { pathNot: ['^cli/', ...TESTS] },
      to: { path: '^cli/' },
    },
    {
      name: 'web-imports-contract-only',
      severity: 'error',
      comment: 'The browser gets nothing of the servers but the contract.',
      from: { path: '^web/', pathNot: TESTS },
      to: { path: OUR_OWN, pathNot: '^(web|contract)/' },
    },
    {
      name: 'product-without-tests',
      severity: 'error',
      comment: 'What runs in production does not reach into tests, benchmarks and their tools.',
      from: { path: '^(contract|engines|kit|platform|watch|web|cli)/', pathNot: TESTS },
      to: { path: TESTS },
    },
    {
      name: 'drills-apart-from-benchmarks',
      severity: 'error',
      comment: 'What both need is in tests/rig/, which needs neither.',
      from: { path: '^(bench|tests/rig)/' },
      to: { path: '^tests/(faults|e2e)/' },
    },
    {
      name: 'tests-without-benchmarks',
      severity: 'error',
      comment: 'A benchmark is changed for what it measures: nothing else may stand on it.',
      from: { path: '^tests/' },
      to: { path: '^bench/' },
    },
    {
      name: 'product-without-dev-packages',
      severity: 'error',
      comment: 'An instance is installed without development packages.',
      from: {
        path: '^(contract|engines|kit|platform|watch|cli)/',
        pathNot: TESTS,
      },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/@types/',
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(\\.svelte-kit|build|\\.cache)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.svelte', '.json'],
    },
    skipAnalysisNotInRules: true,
  },
}
