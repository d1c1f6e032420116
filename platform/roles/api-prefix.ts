/** Below which the API lies; the tables of operations, classes and features leave it out. */
export const API_PREFIX = '/api/v1'
