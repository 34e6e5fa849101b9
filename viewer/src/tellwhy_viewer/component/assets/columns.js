// @ts-check
/* Rows out of the columns in which they travel (shape/columns.py). Pure: no DOM, tested by node. */

/** @param {{rows: number, columns: Record<string, any>}} told @returns {any[]} */
export function unpacked(told) {
  const rows = Array.from({ length: told.rows }, () => /** @type {Record<string, any>} */ ({}));
  for (const [name, column] of Object.entries(told.columns)) {
    if (Array.isArray(column)) rows.forEach((row, i) => (row[name] = column[i]));
    else if (column.of) rows.forEach((row, i) => (row[name] = column.of[column.at[i]]));
    else for (const row of rows) row[name] = column.all;
  }
  return rows;
}
