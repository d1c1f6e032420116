/** Under which path of this origin the API lies. */
export const API_ROOT = '/api/v1'
