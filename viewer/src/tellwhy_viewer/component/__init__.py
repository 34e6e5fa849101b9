"""The run page: one component in plain HTML, CSS and JavaScript, and the routes it reads from.

Its modules stand in ``assets/`` as they are served; there is no build step. `view` registers the
component and can only be imported while Streamlit runs; `routes` and `tokens` do without.
"""
