"""Questions in Spanish."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.questions.question import Question, asked, calculated, following, numbered

EXAMPLES = (
    ("¿Cuál es la capital de Islandia?", "Reikiavik"),
    ("¿Cuánto es 1 + 1?", "2"),
    ("¿Qué es lo contrario de cerca?", "lejos"),
)
CAPITALS = """Francia París|España Madrid|Italia Roma|Alemania Berlín|Portugal Lisboa
Inglaterra Londres|Grecia Atenas|Rusia Moscú|China Pekín=Beijing|Japón Tokio|Perú Lima
Chile Santiago|Argentina Buenos_Aires|Cuba La_Habana=Habana|Colombia Bogotá|Venezuela Caracas
Egipto El_Cairo=Cairo|Austria Viena|Polonia Varsovia|Suecia Estocolmo|Noruega Oslo|Irlanda Dublín
Bélgica Bruselas|Turquía Ankara"""

OPPOSITES = """frío caliente=calor|alto bajo|grande pequeño|rápido lento|claro oscuro|feliz triste
arriba abajo|abierto cerrado|mojado seco|duro blando|rico pobre|joven viejo|fuerte débil
lleno vacío|izquierda derecha|día noche|ganar perder|amor odio|dentro fuera|caro barato
verdadero falso|primero último"""

SYMBOLS = """del_oro Au|de_la_plata Ag|del_hierro Fe|del_oxígeno O|del_hidrógeno H|del_carbono C
del_nitrógeno N|del_sodio Na|del_potasio K|del_calcio Ca|del_cobre Cu|del_plomo Pb|del_estaño Sn
del_zinc Zn"""

COLOURS = """la_nieve blanca=blanco|el_carbón negro|la_hierba verde|un_plátano_maduro amarillo
un_tomate_maduro rojo|el_cielo_despejado azul|un_rubí rojo|una_esmeralda verde
la_leche blanca=blanco"""

UNITS = """Cuántos_minutos_tiene_una_hora 60|Cuántos_segundos_tiene_un_minuto 60
Cuántas_horas_tiene_un_día 24|Cuántos_días_tiene_una_semana 7|Cuántos_meses_tiene_un_año 12
Cuántos_centímetros_tiene_un_metro 100|Cuántos_metros_tiene_un_kilómetro 1000
Cuántos_gramos_tiene_un_kilogramo 1000|Cuántos_años_tiene_un_siglo 100
Cuántos_lados_tiene_un_triángulo 3"""

MONTHS = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio"),
    *("agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)
DAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
SUMS = {"+": "¿Cuánto es {} + {}?", "-": "¿Cuánto es {} - {}?", "*": "¿Cuánto es {} por {}?"}


def spanish() -> Iterator[Question]:
    """Capitals, words, symbols, units, the calendar and sums."""
    yield from asked("¿Cuál es la capital de {}?", "capital", CAPITALS, "es")
    yield from asked("¿Qué es lo contrario de {}?", "opposite", OPPOSITES, "es")
    yield from asked("¿Cuál es el símbolo químico {}?", "symbol", SYMBOLS, "es")
    yield from asked("¿De qué color es {}?", "colour", COLOURS, "es")
    yield from numbered("¿{}?", "unit", UNITS, "es")
    yield from following("¿Qué mes viene después de {}?", "month", MONTHS, "es")
    yield from following("¿Qué día viene después del {}?", "day", DAYS, "es")
    yield from calculated(SUMS, 12, "es")
