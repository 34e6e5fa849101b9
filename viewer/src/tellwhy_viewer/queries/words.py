"""What the editor of the SQL page knows of the language."""

from __future__ import annotations

from tellwhy_viewer.queries.question import Query

KEYWORDS = Query(
    "keywords",
    "The words of a SELECT that the editor shows as words of the language, and its types.",
    (),
    """
SELECT keyword_name AS word, 'keyword' AS kind
FROM duckdb_keywords()
-- Most unreserved words are names of columns in real life: name, day, type. These are not.
WHERE keyword_category IN ('reserved', 'type_function') OR keyword_name IN (
  'between', 'by', 'coalesce', 'current', 'escape', 'exclude', 'exists', 'explain', 'extract',
  'filter', 'first', 'following', 'ignore', 'interval', 'last', 'nulls', 'over', 'partition',
  'percent', 'preceding', 'range', 'recursive', 'replace', 'respect', 'row', 'rows', 'struct',
  'ties', 'try_cast', 'unbounded', 'values', 'within')
UNION
SELECT lower(type_name), 'type' FROM duckdb_types()
WHERE regexp_matches(type_name, '^[A-Za-z][A-Za-z0-9_]*$')
  AND lower(type_name) NOT IN ('array', 'enum', 'interval', 'list', 'map', 'null', 'row', 'type')
ORDER BY ALL
""",
)

FUNCTIONS = Query(
    "functions",
    "Functions that a SELECT may call, with their parameters and what they do.",
    (),
    """
SELECT function_name AS name, any_value(function_type) AS kind,
       arg_max(parameters, len(parameters)) AS parameters,
       left(any_value(description), 160) AS description
FROM duckdb_functions()
WHERE regexp_matches(function_name, '^[a-z][a-z0-9_]*$')
  AND (function_type IN ('aggregate', 'macro', 'scalar', 'window')
       OR function_name IN ('generate_series', 'range', 'unnest'))
GROUP BY function_name
ORDER BY function_name
""",
)
