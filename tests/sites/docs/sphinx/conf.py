project = "A manual"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["pixel-rnn.css"]
exclude_patterns = ["built"]
