-- schema_versions: which migrations this file has seen.
-- Grain:   one row for each numbered migration below 100, and row 100 for all views together.
-- Reads:   nothing.   Read by: store, which runs this text at every start.

create table if not exists schema_versions (
    number integer not null,
    name varchar not null,
    sha256 varchar not null,
    applied_at timestamp not null
);

comment on table schema_versions is 'The migrations that have been applied to this file, one row each, and the edition of its views.';
comment on column schema_versions.number is 'Number at the start of the migration''s file name, below 100; 100 stands for all views.';
comment on column schema_versions.name is 'File name of the migration, or views.';
comment on column schema_versions.sha256 is 'SHA-256 of the migration''s text when it was applied, hexadecimal; for views of DuckDB''s version and all their texts.';
comment on column schema_versions.applied_at is 'When it was applied. UTC.';
