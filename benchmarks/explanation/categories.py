"""Which categories of the TRAIL taxonomy each rule of ours stands for.

By what rule and category say; where a problem is called by several names in the taxonomy, by all of
them. A rule that is not listed predicts nothing.

Source: TRAIL, "Trace Reasoning and Agentic Issue Localization", the taxonomy of 21 categories.
"""

TRAIL = {
    "access_refused": ["Authentication Errors"],
    "answered_without_looking": ["Goal Deviation", "Language-only", "Tool Selection Errors"],
    "argument_without_source": ["Language-only"],
    "arguments_break_schema": ["Formatting Errors"],
    "call_only_described": ["Tool Selection Errors", "Task Orchestration"],
    "call_rejected": ["Formatting Errors"],
    "code_failed": ["Formatting Errors"],
    "error_ignored": ["Tool Output Misinterpretation"],
    "instruction_broken": ["Instruction Non-compliance"],
    "invented_input": ["Language-only", "Goal Deviation"],
    "loop": ["Resource Abuse"],
    "no_progress": ["Resource Abuse"],
    "nothing_found": ["Poor Information Retrieval"],
    "repeated_call": ["Resource Abuse"],
    "repeated_retrieval": ["Resource Abuse"],
    "retry_storm": ["Resource Abuse"],
    "service_failed": ["Service Errors"],
    "success_claimed_after_failure": ["Tool Output Misinterpretation"],
    "tool_not_offered": ["Tool Selection Errors"],
    "truncated_context": ["Context Handling Failures"],
    "unparsable_output": ["Formatting Errors"],
}
