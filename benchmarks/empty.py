"""The app with one view more, which does nothing: what any view of it costs at the least."""

from http import HTTPStatus

from webapp import create_app

app = create_app()
app.add_url_rule("/empty", view_func=lambda: ("", HTTPStatus.NO_CONTENT))
