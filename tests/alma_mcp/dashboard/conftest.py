from made_dashboard import Made, made

__all__ = ["Made", "made"]
