-- task_text(input): what a run was asked, in words, out of the JSON that frameworks wrap it in.
-- Reads:   nothing.   Read by: users, viewer, compare.
--
-- The last message of a user in a list of messages (roles of chat APIs and of the GenAI conventions,
-- types of LangChain), the only argument of a function, a text as it is. What has no words of one
-- person stays as it was recorded.

create or replace macro message_text(message) as
coalesce(
    nullif(array_to_string(json_extract_string(message, '$.parts[*].content'), ' '), ''),
    case json_type(message, '$.content')
        when 'VARCHAR' then nullif(json_extract_string(message, '$.content'), '')
        when 'ARRAY' then nullif(array_to_string(json_extract_string(message, '$.content[*].text'), ' '), '')
    end,
    json_extract_string(message, '$.data.content')
);

create or replace macro last_asked(messages) as
list_filter(
    list_transform(
        list_filter(messages, lambda m: coalesce(
            json_extract_string(m, '$.role'), json_extract_string(m, '$.type'), ''
        ) in ('user', 'human')),
        lambda m: message_text(m)
    ),
    lambda t: t is not null
)[-1];

create or replace macro task_in(json_or_null) as
case json_type(json_or_null)
    when 'VARCHAR' then json_extract_string(json_or_null, '$')
    when 'ARRAY' then last_asked(json_extract(json_or_null, '$[*]')::json[])
    when 'OBJECT' then coalesce(
        last_asked(json_extract(json_or_null, '$.messages[*]')::json[]),
        case when len(json_keys(json_or_null)) = 1 then coalesce(
            last_asked(json_extract(json_or_null, '$.*[*]')::json[]),
            json_extract_string(json_or_null, '$.*')[1]
        ) end
    )
end;

-- A branch that is not taken may be worked out all the same, so no function meets what is not JSON.
create or replace macro task_text(input) as
coalesce(task_in(case when json_valid(input) then input::varchar end), input);
